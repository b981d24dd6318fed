-- uses: audit, news, standing, blocks, runs, readers, membership
-- flags: allow-oom
-- Writes into the membership what an ended run left behind that ActiveCampaign may have; done before a survey compares.
--   members, unfolded, left(ended)   as in the libraries
-- ARGV: run that is read, token, the ended run, '1' if this is the last of it, addresses, entries
-- Returns 'ok', 'lost' (somebody else reads) or 'over'.
local run, ended = ARGV[1], ARGV[3]
local why_not = may_not_read(run, ARGV[2])
if why_not then return why_not end
local e, a, l = of(run)
if redis.call('HEXISTS', K.unfolded(e, a, l), ended) == 0 then return 'ok' end -- somebody was quicker
remember(run, ARGV[5], ARGV[6])
if ARGV[4] == '1' then
  redis.call('HDEL', K.unfolded(e, a, l), ended)
  redis.call('PEXPIRE', K.left(ended), redis.call('HGET', K.run(run), 'rejects_ms'))
end
return 'ok'
