/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two bootstraps of one subscriber, the later of which takes the former session away, and a revocation, in a store whose steps have one
 * key each (revoke.pml has the rest). A session is listed before it is written, so that a revocation finds it. When may it be taken
 * off the list? Only when it was there and has been deleted: with ANYWAY defined also when there was nothing to delete yet, and then one
 * that is written afterwards is served though it was revoked. */

mtype = { NONE, LIVE, TOMBSTONE };

bool marked, answered;
bool listed[2];
bool before[2]; /* listed when the other one was */
mtype session[2] = NONE;

/* Each challenge was made before the revocation. */
proctype bootstrap(byte i)
{
	bool deleted;

	atomic {
		if
		:: marked -> goto refused
		:: else ->
			listed[i] = true;
			before[1 - i] = listed[1 - i]
		fi
	}
	d_step {
		if
		:: session[i] == NONE -> session[i] = LIVE
		:: else
		fi
	}
	/* the other one is the former, if it was listed before: it is ended, then taken off */
	if
	:: before[1 - i] ->
		d_step {
			deleted = session[1 - i] == LIVE;
			if
			:: deleted -> session[1 - i] = NONE
			:: else
			fi
		}
		d_step {
#ifdef ANYWAY
			listed[1 - i] = false
#else
			listed[1 - i] = listed[1 - i] && !deleted
#endif
		}
	:: else
	fi;
refused:
	skip
}

proctype revoke()
{
	bool a, b;

	atomic {
		marked = true;
		a = listed[0];
		b = listed[1]
	}
	if
	:: a -> session[0] = TOMBSTONE
	:: else
	fi;
	if
	:: b -> session[1] = TOMBSTONE
	:: else
	fi;
	answered = true
}

init
{
	atomic {
		run bootstrap(0);
		run bootstrap(1);
		run revoke()
	}
	do
	:: atomic { assert(!(answered && (session[0] == LIVE || session[1] == LIVE))) }
	:: break
	od
}
