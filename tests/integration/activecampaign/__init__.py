"""Integration tests of activecampaign."""
