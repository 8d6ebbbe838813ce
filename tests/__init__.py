"""Tests of netlens, laid out like the package."""
