"""ActiveCampaign as we speak to it: request shapes, answers and their errors, hosts, sessions and the client."""
