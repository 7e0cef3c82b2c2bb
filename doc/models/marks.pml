/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Marks, lease and failover. BSF A revokes; B has read the session and serves it while its copy of the marks was confirmed within the
 * lease and has no such mark. The master may fail once, at any time, and a replica that lags takes its place. A writes the mark and answers
 * when B, as far as it has announced itself there, has the mark or may serve no more. What is to hold: from then on B serves no more, also
 * after a failover that has lost the mark, and also where B is started anew and is the first at the new master: then, and where its
 * lease was over, it waits for A, who comes in time (that it does is not in the model), with what it knows written again.
 *
 * Where B has made the session it serves it for a grace longer, whatever it hears, so A waits for that, too.
 *
 * Broken in turn, and a revoked key is served each time: NOLEASE, B serves without asking; AT_REPLY, the lease counts from the reply instead
 * of from the question; NOREWRITE, A does not write what it knows to a new master; NOYOUNG, A does not wait where its own link is
 * younger than a lease, though B may not have announced itself yet; NOWAIT, B serves from a new master whoever has been there; NOGRACE, A waits for the
 * lease alone. A master that lives on beside the new one is not in it: who says which
 * one is to be asked has to end that within the lease. */

#define LEASE 2
#define GRACE 1
#define END   9

#ifdef NOGRACE
#define SPAN LEASE
#else
#define SPAN (LEASE + GRACE)
#endif

byte now;
bool epoch;     /* which master */
bool at_master; /* the mark is there */
bool at_replica;
bool announced; /* B has said there that it is */

bool knows; /* B has the mark */
bool answered, back;

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
	bool asked, heard, term, at, saw, whole = true, anew;
	byte asked_at, until;

end:	do
	:: atomic { !asked && !heard && now < END -> asked = true; asked_at = now; term = epoch }
	:: atomic { !anew && !asked && !heard -> anew = true; knows = false; until = 0; whole = whole && !epoch } /* a kill and a start */
	:: atomic { asked ->
		asked = false;
		if
		:: term == epoch ->
			announced = true;
			if
			:: at != epoch -> at = epoch; whole = now < until
			:: else
			fi;
#ifdef NOWAIT
			whole = true;
#endif
			whole = whole || back;
			saw = at_master;
			heard = true
		:: else /* the link is lost */
		fi
	   }
	:: atomic { heard ->
		heard = false;
		knows = knows || saw;
#ifdef AT_REPLY
		until = (whole -> now + LEASE : until)
#else
		until = (whole -> asked_at + LEASE : until)
#endif
	   }
#ifdef NOLEASE
	:: atomic { !knows -> assert(!answered) }
#else
	:: atomic { until && now < until + GRACE && !knows -> assert(!answered) }
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
	:: atomic { term == epoch && announced && (knows || now >= written + SPAN) -> answered = true; break }
#ifdef NOYOUNG
	:: atomic { term == epoch && !announced -> answered = true; break }
#else
	:: atomic { term == epoch && !announced && now >= up + SPAN -> answered = true; break }
#endif
	od;
end:	do
	:: atomic { term != epoch && !back ->
#ifndef NOREWRITE
		at_master = true;
#endif
		back = true
	   }
	od
}
