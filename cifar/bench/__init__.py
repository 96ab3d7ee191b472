"""Our speed beside a reference's, measured in one run."""
