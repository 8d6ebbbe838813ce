"""The names of methods as readers know them."""

from netlens.explain import Attribution

TITLES = {
    "saliency": "Gradient",
    "gradient_x_input": "Gradient\nx input",
    "neuron_gradient": "Gradient\nof a neuron",
    "smooth_grad": "SmoothGrad",
    "var_grad": "VarGrad",
    "integrated_gradients": "Integrated\nGradients",
    "expected_gradients": "Expected\nGradients",
    "guided_backprop": "Guided\nbackprop",
    "guided_grad_cam": "Guided\nGrad-CAM",
    "deep_lift": "DeepLIFT",
    "lrp": "LRP",
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "layer_cam": "Layer-CAM",
    "score_cam": "Score-CAM",
    "eigen_cam": "Eigen-CAM",
    "occlusion": "Occlusion",
    "rise": "RISE",
    "lime": "LIME",
    "kernel_shap": "KernelSHAP",
    "deep_shap": "DeepSHAP",
    "gradient_shap": "GradientSHAP",
    "partition_shap": "Partition\nSHAP",
    "rule_tree": "Rule tree",
    "attention": "Attention",
    "attention_rollout": "Attention\nrollout",
    "gradient_weighted_attention": "Gradient-weighted\nattention",
}


def title_of(attribution: Attribution) -> str:
    """The name of the method that made an attribution, in at most two lines."""
    return TITLES.get(attribution.method, attribution.method.replace("_", " "))
