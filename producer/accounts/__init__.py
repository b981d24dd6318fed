"""Questions to an ActiveCampaign account: its key, lists, fields and contact limit."""
