"""Who may be claimed, as SQL: jobs whose time has come, and those whose holder is gone."""

from __future__ import annotations

# A retry that is farther off than any can be was noted before the clock was set back.
_DUE = """
    state = 'waiting' AND (retry_at IS NULL OR retry_at <= :now OR retry_at > :latest)
    AND id NOT IN (SELECT value FROM json_each(:held))
"""

_LEFT = """
    state = 'running' AND (lease_until <= :now OR owner IN (SELECT value FROM json_each(:gone)))
    AND id NOT IN (SELECT value FROM json_each(:held))
"""

# Each half comes by the index in the order of its ids, so with ten thousand waiting jobs the first is found
# without a look at the others.
CLAIMABLE = f"""
    SELECT id, key FROM job WHERE {_DUE} UNION ALL SELECT id, key FROM job WHERE {_LEFT} ORDER BY id
"""

SET_THE_DEADLY_ASIDE = f"""
    UPDATE job SET
        state = 'set_aside', owner = NULL, lease_until = NULL, finished = :now,
        error = name || ': dimd died ' || :deaths || ' times after frame ' || frames_done
            || ' of this clip; see the system log for the cause (memory?), then run dimd retry ' || id || '.'
    WHERE lost + 1 >= :deaths AND {_LEFT} AND key IN (SELECT value FROM json_each(:running))
    RETURNING *
"""

CLAIM = """
    UPDATE job SET
        attempts = attempts + (state = 'waiting'), lost = lost + (state = 'running'),
        state = 'running', owner = :owner, lease_until = :until, retry_at = NULL,
        started = coalesce(started, :now), finished = NULL
    WHERE id = :id
    RETURNING *
"""
