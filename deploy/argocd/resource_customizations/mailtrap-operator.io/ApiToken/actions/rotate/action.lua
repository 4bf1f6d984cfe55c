local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
-- Any new value asks for one rotation; the operator answers in status.lastHandledRotateRequest.
obj.metadata.annotations["mailtrap-operator.io/rotate"] = os.date("!%Y-%m-%dT%XZ")
return obj
