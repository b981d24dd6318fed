-- uses: audit, news, blocks, turns, pace, going
-- flags: allow-oom
-- Answers whether a request may go now, at the moment of sending (lib/going.lua).
-- ARGV: account, kind (import, single, other, question), then run, chunk, lane, fence, lease token, or nothing: a request of no chunk
-- Returns {'go', now} | {'wait', ms} | {'drop'}
return go(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], clock())
