"""The service: it watches folders and turns each clip that lands there into a matte."""
