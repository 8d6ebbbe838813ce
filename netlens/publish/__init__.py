"""From notebooks to a site and reports: run, stage, build, check."""
