"""What is done to the values of a frame so that a person sees more in it: pure numpy, deterministic, always marked."""
