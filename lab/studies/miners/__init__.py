"""Run a model, or pass the request on?"""
