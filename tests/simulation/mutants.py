"""Deliberate breaks of the protocol: each must be caught, or the exhaustive layer proves nothing.

A mutant is one replacement in the operator's source. The text must be there exactly once, so that a mutant that no
longer fits the code is noticed.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mutant:
    """One break: in a file of the operator, one text is replaced by another."""

    name: str
    file: str
    text: str
    replacement: str

    def fits(self, folder: Path) -> bool:
        """Whether the text is there exactly once; `file` is relative to `folder`."""
        return (folder / self.file).read_text(encoding="utf-8").count(self.text) == 1

    def apply(self, folder: Path) -> None:
        """Break the file in a copy of `folder`; raises `ValueError` where it does not fit."""
        if not self.fits(folder):
            message = f"The mutant '{self.name}' no longer fits {self.file}: adapt its text to the code."
            raise ValueError(message)
        file = folder / self.file
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(self.text, self.replacement), encoding="utf-8")


MUTANTS = (
    Mutant(
        "claim without its precondition",
        "clients/kube.py",
        '"resourceVersion": meta.resource_version}',
        '"resourceVersion": (await self.get(path))["metadata"]["resourceVersion"]}',
    ),
    Mutant(
        "no claim before the remote call",
        "apply.py",
        "writes.note(await self._api_tokens.write_status(writes.api_token, status))\n        if loop",
        "if loop",
    ),
    Mutant(
        "the nonce is not compared",
        "core/observed_state.py",
        "self.secret.is_intact and self.secret.nonce == operation.nonce",
        "self.secret.is_intact",
    ),
    Mutant(
        "no settle time",
        "core/observed_state.py",
        "return self.seen.identity.settle_time - self.seen.claim_age",
        "return timedelta()",
    ),
    Mutant(
        "no settle time in a deletion",
        "core/deletion.py",
        "left = s.settles_in if operation.nonce else timedelta()",
        "left = timedelta()",
    ),
    Mutant(
        "no overlap",
        "core/observed_state.py",
        "delete_after=whole_second_after(self.now + overlap)",
        "delete_after=whole_second_after(self.now)",
    ),
    Mutant(
        "the old token goes before the Secret is written",
        "core/bookkeeping.py",
        "    action = PublishToken(unpublished, desired_state.desired_secret(s))\n",
        "    from mailtrap_operator.core.actions import RevokeToken\n"
        "    from mailtrap_operator.core.priorities import Priority\n"
        "    old = s.owned.get(s.record.current.id) if s.record.current else None\n"
        "    if old:\n"
        "        return step_plan(s, finding, action=RevokeToken(old, Priority.URGENT))\n"
        "    action = PublishToken(unpublished, desired_state.desired_secret(s))\n",
    ),
    Mutant(
        "status before Secret",
        "apply.py",
        "        return await self._publish(key, outcome, action.secret, writes)\n",
        "        return Published(outcome.token, outcome.issuance)\n",
    ),
    Mutant(
        "unknown tokens are deleted at once",
        "core/bookkeeping.py",
        "    if not tokens:\n        return None\n    lost",
        "    if tokens:\n"
        "        from mailtrap_operator.core.actions import RevokeToken\n"
        "        from mailtrap_operator.core.priorities import Priority\n"
        '        finding = Finding(State.PROGRESSING, Reason.UNTRACKED, "deleted")\n'
        "        return step_plan(s, finding, action=RevokeToken(tokens[0], Priority.URGENT))\n"
        "    if not tokens:\n        return None\n    lost",
    ),
    Mutant(
        "a short list is trusted",
        "core/reads.py",
        "for token_id in sorted(ids_on_record(s.seen, view.ref) - {token.id for token in view.tokens.value}):",
        "for token_id in ():",
    ),
    Mutant(
        "401 means that a token is not there",
        "clients/mailtrap_refusals.py",
        "    401: (\n        Unauthorized,\n",
        "    401: (\n        Missing,\n",
    ),
    Mutant(
        "any failure means that a token is gone",
        "clients/mailtrap.py",
        "        except Missing:\n            return None\n        except ValidationError:\n"
        '            raise unusable("a token") from None\n',
        "        except (Failure, ValidationError):\n            return None\n",
    ),
    Mutant(
        "another token after a failed Secret write",
        "apply.py",
        "        self._unpublished.keep(key, outcome)\n",
        "",
    ),
    Mutant(
        "a lost answer counts as a refusal",
        "apply.py",
        "        except Uncertain as failure:\n            return Failed(failure.as_unknown())\n",
        "        except Uncertain as failure:\n            return Failed(failure.as_unknown(), closes_claim=True)\n",
    ),
    Mutant(
        "no finalizer before the first token",
        "apply.py",
        "        await self._add_finalizer(key, writes)\n        async with",
        "        async with",
    ),
    Mutant(
        "the finalizer goes before the tokens",
        "core/deletion.py",
        "    tokens = tuple(left_to_revoke(s, operation))\n",
        "    tokens: tuple[RemoteToken, ...] = ()\n",
    ),
    Mutant(
        "all objects have the same tag",
        "core/ownership.py",
        'return base32(f"{installation}/{namespace}/{name}/{uid}".encode(), 10)',
        "return base32(installation.encode(), 10)",
    ),
    Mutant(
        "a record is dropped although its token could not be revoked",
        "core/conditions.py",
        "            return _without_claim(before, outcome) if outcome.closes_claim else before\n",
        "            return _without_claim(before, outcome) if outcome.closes_claim else plan.record\n",
    ),
    Mutant(
        "a token that is gone cannot be revoked",
        "clients/mailtrap.py",
        "        with suppress(Missing):\n            try:\n",
        "        with suppress(ZeroDivisionError):\n            try:\n",
    ),
    Mutant(
        "a deletion takes the operator's own credential away",
        "core/deletion.py",
        "    if is_in_use(s, token):\n        return Unknown(",
        "    if False:\n        return Unknown(",
    ),
    Mutant(
        "the operator's own credential is reset",
        "core/desired_state.py",
        "        and not is_in_use(s, s.owned[base.id])\n",
        "",
    ),
    Mutant(
        "the value is logged",
        "apply.py",
        "        return IssuedValue(action.operation.nonce, token, value, action.issuance)\n",
        "        import logging\n"
        '        logging.getLogger(__name__).debug("issued %s", value.get_secret_value())\n'
        "        return IssuedValue(action.operation.nonce, token, value, action.issuance)\n",
    ),
    Mutant(
        "the status is written in every reconcile",
        "report.py",
        "        if self.needs_write(before, status):\n",
        "        if True:\n",
    ),
    Mutant(
        "the status does not say that work continues",
        "core/conditions.py",
        '        yield "Reconciling", "True", finding.reason, finding.message\n',
        "        return\n",
    ),
)
