"""Are the grades any good?"""
