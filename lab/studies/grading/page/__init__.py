"""The pages of the grading study."""
