local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, blocked = conditions["Ready"], conditions["DeletionBlocked"]

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = blocked and blocked.message or "Pending deletion" }
end
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to look at the account" }
end
if ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
return { status = "Degraded", message = ready.message }
