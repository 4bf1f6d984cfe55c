from dataclasses import replace

from mailtrap_simulator.journal import MOST_ENTRIES, Entry, Journal

ENTRY = Entry(
    seq=0,
    time="2026-03-01T12:00:00.000Z",
    method="GET",
    path="/",
    operation="other",
    account_id=None,
    credential="",
    user_agent="",
    outcome="answered",
    status=404,
    fault=None,
    committed=False,
    token_id=None,
    successor_id=None,
)


def test_a_full_journal_drops_the_oldest_and_says_so() -> None:
    journal = Journal()
    for seq in range(1, MOST_ENTRIES + 3):
        journal.add(replace(ENTRY, seq=seq))

    told = journal.as_json(since=0)

    assert (2, MOST_ENTRIES + 2) == (told["dropped"], told["last_seq"])
    assert (MOST_ENTRIES, 3) == (len(told["entries"]), told["entries"][0]["seq"])
