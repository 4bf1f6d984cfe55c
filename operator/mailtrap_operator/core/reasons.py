"""Every reason a condition, an Event or a metric can carry, in one list.

The names are part of the API: users match on them, so a name is never reused with another meaning.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A stable CamelCase word that says why."""

    # The Secret holds a living token.
    TOKEN_PUBLISHED = "TokenPublished"  # noqa: S105 - a reason, not a password

    # The present token took the place of another one.
    ROTATED = "Rotated"

    # Why a token is issued or rotated.
    FIRST_TOKEN = "FirstToken"  # noqa: S105 - a reason, not a password
    TOKEN_GONE = "TokenGone"  # noqa: S105 - a reason, not a password
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105 - a reason, not a password
    ACCESS_CHANGED = "AccessChanged"
    EXPIRATION_CHANGED = "ExpirationChanged"
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason, not a password
    SECRET_EDITED = "SecretEdited"  # noqa: S105 - a reason, not a password
    TOKEN_RESET = "TokenReset"  # noqa: S105 - a reason, not a password
    RENEWAL_DUE = "RenewalDue"
    ROTATION_REQUESTED = "RotationRequested"
    ACCESS_DRIFTED = "AccessDrifted"
    EXPIRY_DRIFTED = "ExpiryDrifted"

    # In what a token is not what was asked for.
    EXPIRATION_NOT_GRANTED = "ExpirationNotGranted"

    # What a rotation waits for, when it is not the user.
    NO_WINDOW_BEFORE_EXPIRY = "NoWindowBeforeExpiry"

    # Why a token was retired.
    SUPERSEDED = "Superseded"
    UNTRACKED = "Untracked"
    ADOPTED = "Adopted"

    # What an adoption waits for.
    ADOPTION_UNCONFIRMED = "AdoptionUnconfirmed"
    ADOPTION_REFUSED = "AdoptionRefused"

    # A workload to restart is not there.
    TARGET_MISSING = "TargetMissing"

    # An annotation under the operator's prefix means nothing.
    UNKNOWN_ANNOTATION = "UnknownAnnotation"

    # What happens meanwhile.
    PUBLISHING = "Publishing"
    ANSWER_LOST = "AnswerLost"
    FINALIZER_MISSING = "FinalizerMissing"
    RESTARTING = "Restarting"
    SECRET_OUTDATED = "SecretOutdated"  # noqa: S105 - a reason, not a password
    REVOKING = "Revoking"
    DELETING = "Deleting"
    SUSPENDED = "Suspended"
    PLANNED = "Planned"

    # What stands in the way.
    ACCOUNT_DELETING = "AccountDeleting"
    INSTALLATION_MISMATCH = "InstallationMismatch"
    ACCOUNT_NOT_FOUND = "AccountNotFound"
    ACCOUNT_NOT_SERVED = "AccountNotServed"
    ACCOUNT_NOT_LISTED = "AccountNotListed"
    BASE_URL_NOT_ALLOWED = "BaseUrlNotAllowed"
    CREDENTIAL_MISSING = "CredentialMissing"
    CREDENTIAL_REFUSED = "CredentialRefused"
    ACCOUNT_MISMATCH = "AccountMismatch"
    ACCESS_FORBIDDEN = "AccessForbidden"
    NOT_FOUND = "NotFound"
    RATE_LIMITED = "RateLimited"
    REMOTE_UNAVAILABLE = "RemoteUnavailable"
    REMOTE_ANSWER_UNUSABLE = "RemoteAnswerUnusable"
    LIST_INCOMPLETE = "ListIncomplete"
    REQUEST_REFUSED = "RequestRefused"
    DELETION_REFUSED = "DeletionRefused"
    VALUE_REFUSED = "ValueRefused"
    SPEC_INVALID = "SpecInvalid"
    POLICY_VIOLATED = "PolicyViolated"
    NAMESPACE_NOT_READ = "NamespaceNotRead"
    CREDENTIAL_IN_USE = "CredentialInUse"
    RESOURCE_UNKNOWN = "ResourceUnknown"
    RESOURCE_AMBIGUOUS = "ResourceAmbiguous"
    ROTATION_STORM = "RotationStorm"
    SECRET_NOT_OWNED = "SecretNotOwned"  # noqa: S105 - a reason, not a password
    SECRET_WRITE_REFUSED = "SecretWriteRefused"  # noqa: S105 - a reason, not a password
    KUBERNETES_UNAVAILABLE = "KubernetesUnavailable"
    KUBERNETES_REFUSED = "KubernetesRefused"
    NOT_LEADING = "NotLeading"
    REVERTED_AT_ADMISSION = "RevertedAtAdmission"
    REVERTED_BY_ANOTHER = "RevertedByAnother"

    # How deletion ended.
    REVOKED = "Revoked"
    RETAINED = "Retained"
    TOO_MANY_RETAINED = "TooManyRetained"
    ABANDONED = "Abandoned"

    # Accounts.
    ACCOUNT_REACHABLE = "AccountReachable"
    CREDENTIAL_EXPIRING = "CredentialExpiring"
    CLOCK_SKEWED = "ClockSkewed"
    ACCOUNT_IN_USE = "AccountInUse"
    ORPHANED = "Orphaned"
