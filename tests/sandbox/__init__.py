"""An ActiveCampaign account to run against: API v3 as its published facts describe it, and nothing that is ours."""
