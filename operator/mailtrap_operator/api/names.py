"""Every annotation, label and finalizer of the operator's: users and other tools go by them, so they are API.

A name keeps its meaning for ever.
"""

GROUP = "mailtrap-operator.io"
VERSION = "v1alpha1"

# What users set on an ApiToken.

ROTATE_ANNOTATION = f"{GROUP}/rotate"
"""Any new value of it asks for one rotation."""

ABANDON_ANNOTATION = f"{GROUP}/abandon-remote-tokens"
"""`true` lets an object go that is being deleted, although tokens of it may be left."""

ADOPT_ANNOTATION = f"{GROUP}/adopt-token-id"
CONFIRM_ANNOTATION = f"{GROUP}/adopt-confirm"
PROOF_ANNOTATION = f"{GROUP}/adopt-proof"
"""Which token is to be adopted, that it really is, and which Secret of the namespace has its value."""

# What users set on a Secret.

HAND_OVER_ANNOTATION = f"{GROUP}/hand-over-to"
"""On a Secret that someone made: which ApiToken may write its value there."""

# What the operator writes on a Secret that it publishes to, beside the value.

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "mailtrap-operator"
SECRETS_OF_OURS = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
"""The label selector of the Secrets that are listed and watched."""

OWNER = f"{GROUP}/owner"
API_TOKEN = f"{GROUP}/api-token"
TOKEN_ID = f"{GROUP}/token-id"
NONCE = f"{GROUP}/nonce"
FINGERPRINT = f"{GROUP}/fingerprint"
ISSUANCE = f"{GROUP}/issuance"

# What holds an object until its tokens are gone.

FINALIZER = f"{GROUP}/revoke-remote-tokens"
ACCOUNT_FINALIZER = f"{GROUP}/account-in-use"
CREDENTIAL_FINALIZER = f"{GROUP}/credential-in-use"
KOPF_FINALIZER = f"{GROUP}/unused-by-kopf"
"""kopf takes its own finalizer from objects that it need not hold: it must be another one than ours."""


def restart_annotation(owner: str) -> str:
    """Return the pod-template annotation that names the token which a workload was restarted for, one for each ApiToken."""
    return f"{GROUP}/token-of-{owner}"
