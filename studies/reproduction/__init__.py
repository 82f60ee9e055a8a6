"""What the studies of the paper's figures and tables share: settings, runs, numbers, pages."""
