"""Inside the network: its architecture, its weights, what its units answer, how gradients flow."""
