"""What does an answer cost?"""
