/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Revocation of a subscriber against a bootstrap of it that is under way, in a store that other processes share, whose calls may end
 * unknown and be done later. Two keys: the subscriber's record (when it was revoked, which sessions it has) and the session. No write
 * takes the place of a tombstone. What is to hold: once `revoke` has answered, no key is served that comes of a challenge made before.
 * In the step of the subscriber's record two things are one: has it been revoked since, and the session is listed. With APART
 * defined they are two steps, with OVERWRITE a put takes the place of a tombstone: either way a revoked key is served. */

mtype = { NONE, LIVE, TOMBSTONE };

/* The subscriber's record. The one challenge was made before the revocation. */
bool marked;
bool listed;

mtype session = NONE;
bool answered; /* the operator was told that it is done */

/* SET session NX: what is there stays */
inline session_put()
{
	d_step {
		if
		:: session == NONE -> session = LIVE
#ifdef OVERWRITE
		:: else -> session = LIVE
#else
		:: else
#endif
		fi
	}
}

/* The device answers its challenge. Its BSF may give up at any time (the device gets an error), and the put be done all the same. */
active proctype bootstrap()
{
#ifdef APART
	if
	:: marked -> goto refused
	:: else
	fi;
	listed = true;
#else
	atomic {
		if
		:: marked -> goto refused
		:: else -> listed = true
		fi
	}
#endif
	if
	:: session_put()
	:: skip /* the process is killed between the two */
	fi;
refused:
	skip
}

/* The operator's word; what ends unknown is asked again, so each step may happen twice. */
active proctype revoke()
{
	bool was_listed;

again:
	atomic {
		marked = true;
		was_listed = listed
	}
	if
	:: goto again
	:: skip
	fi;
	if
	:: was_listed -> session = TOMBSTONE /* also where nothing is yet */
	:: else
	fi;
	if
	:: goto again
	:: skip
	fi;
	answered = true
}

/* A NAF asks at whatever time, at whatever BSF. */
active proctype bir()
{
	bool after;

	do
	:: atomic {
		after = answered;
		assert(!(after && session == LIVE))
	}
	:: break
	od
}
