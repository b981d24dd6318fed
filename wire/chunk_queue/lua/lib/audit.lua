-- The trail of changes and decisions: appended to and never changed, in the step that made the change.
--   audit  stream  one entry of names and values; its id says when

-- Notes what was done. `said`: what Python says of it (JSON: name -> text), or '' where we decided by ourselves; `more`: what
-- only the script knows; `facts`, a table of either, are kept as JSON.
local function note(said, more)
  local entry = said and said ~= '' and cjson.decode(said) or {who = 'system', role = 'system'}
  for name, value in pairs(more) do entry[name] = value end
  if type(entry.facts) == 'table' then entry.facts = cjson.encode(entry.facts) end
  local words = {}
  for name, value in pairs(entry) do
    if value then
      words[#words + 1] = name
      words[#words + 1] = value
    end
  end
  redis.call('XADD', K.audit(), '*', unpack(words))
end

-- What an entry says of the run that it is about.
local function about_run(run, what, facts)
  local name = redis.call('HGET', K.run(run), 'export_name')
  return {what = what, kind = 'run', name = name or '', id = run, run = run, facts = facts}
end
