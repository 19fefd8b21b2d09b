"""How much must an honest majority's miners earn its weight?"""
