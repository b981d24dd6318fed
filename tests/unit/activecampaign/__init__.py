"""Unit tests of activecampaign."""
