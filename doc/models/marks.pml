/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Marks, lease and failover. BSF A revokes; B has read the session and serves it while its copy of the marks was confirmed within the
 * lease and has no such mark. The master may fail once, at any time, and a replica that lags takes its place. A writes the mark and answers
 * when B, as far as it has announced itself there, has the mark or may serve no more. What is to hold: from then on B serves no more; also
 * after a failover, where A was told that the replica has the mark, or has been back for a lease, with what it knows written again.
 *
 * Broken in turn, and a revoked key is served each time: NOLEASE, B serves without asking; AT_REPLY, the lease counts from the reply instead
 * of from the question; NOREWRITE, A does not write what it knows to a new master; NOYOUNG, A does not wait where its own link is
 * younger than a lease, though B may not have announced itself yet. A master that lives on beside the new one is not in it: who says which
 * one is to be asked has to end that within the lease. */

#define LEASE 2
#define END   9

byte now;
bool epoch;     /* which master */
bool at_master; /* the mark is there */
bool at_replica;
bool announced; /* B has said there that it is */

bool knows; /* B has the mark */
bool answered, safe, back;
byte back_at;

#define HOLDS (answered && (!epoch || safe || (back && now >= back_at + LEASE)))

active proctype clock()
{
	do
	:: atomic { now < END -> now++ }
	:: now == END -> break
	od
}

active proctype replication()
{
end:	do
	:: atomic { !epoch && at_master && !at_replica -> at_replica = true }
	od
}

active proctype failover()
{
	atomic {
		epoch = true;
		at_master = at_replica;
		announced = false
	}
}

active proctype b()
{
	bool asked, heard, term, saw;
	byte asked_at, until;

end:	do
	:: atomic { !asked && !heard && now < END -> asked = true; asked_at = now; term = epoch }
	:: atomic { asked ->
		asked = false;
		if
		:: term == epoch -> announced = true; saw = at_master; heard = true
		:: else /* the link is lost */
		fi
	   }
	:: atomic { heard ->
		heard = false;
		knows = knows || saw;
#ifdef AT_REPLY
		until = now + LEASE
#else
		until = asked_at + LEASE
#endif
	   }
#ifdef NOLEASE
	:: atomic { !knows -> assert(!HOLDS) }
#else
	:: atomic { now < until && !knows -> assert(!HOLDS) }
#endif
	od
}

active proctype a()
{
	bool term;
	byte up, written;

again:
	atomic { term = epoch; up = now }
	atomic {
		if
		:: term != epoch -> goto again
		:: else -> at_master = true; written = now
		fi
	}
end_a:	do
	:: term != epoch -> goto again /* it was not told to anybody, so it is ordered again */
	:: atomic { term == epoch && announced && (knows || now >= written + LEASE) -> answered = true; safe = at_replica; break }
#ifdef NOYOUNG
	:: atomic { term == epoch && !announced -> answered = true; safe = at_replica; break }
#else
	:: atomic { term == epoch && !announced && now >= up + LEASE -> answered = true; safe = at_replica; break }
#endif
	od;
end:	do
	:: atomic { !epoch && !safe && at_replica -> safe = true } /* it is gone on trying */
	:: atomic { term != epoch && !back ->
#ifndef NOREWRITE
		at_master = true;
#endif
		back = true;
		back_at = now
	   }
	od
}
