"""What the two programs share: messages, names, the record, ActiveCampaign's client and its pacing."""
