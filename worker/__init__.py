"""Takes a chunk and makes it true in ActiveCampaign."""
