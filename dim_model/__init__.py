"""The science: arrays in, arrays out. It knows no folder that is watched, no config and no media library."""
