local actions = {}
actions["rotate"] = { disabled = obj.spec.suspend == true or obj.metadata.deletionTimestamp ~= nil }
return actions
