"""Measurements, one command each. Run from the checkout: .venv/bin/python -m bench.NAME"""
