"""What does copying weights earn?"""
