"""Controls that the paper does not run."""
