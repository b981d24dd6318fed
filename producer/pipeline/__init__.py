"""From a snapshot to chunks: survey, comparison, forecast, safeguards, chunking, enqueue."""
