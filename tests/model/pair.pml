/* The pair protocol of docs/protocol.md, sections 3 to 5 and 10, small enough to be checked whole.
 *
 * Two nodes meet, join, lose each other, are proven off or silenced, lose their power and start again, in every order
 * that the budgets below allow. What is left out: names, resources, plans, and time. A verdict may come at any moment,
 * right or wrong; an exclusivity may end at any moment, and who held it has no right from then on.
 *
 * A log is what matters of it: the term of its last record, and the newest change of the configuration in it. A disk
 * takes writes in order; a power cut loses those that wait.
 *
 * scripts/model checks it with spin for each arbiter, and looks for mistakes 2, 3, 4, 6 and 8, which have to be found. With
 * POWER_CUTS=2, some minutes each, nothing breaks either: 27 million states with fencing, where 1 and 5 are found, and 14 million
 * with a witness, where 7 and 9 are not.
 *   MISTAKE=1  the right to start alone is given up before the log is the newer one
 *   MISTAKE=2  a change is answered before it is known on both disks
 *   MISTAKE=3  the right to start alone is kept while another node is let in
 *   MISTAKE=4  who may not start alone starts alone
 *   MISTAKE=5  a person's word leaves no terms out
 *   MISTAKE=6  a change is answered before the disk knows of the right to start alone
 *   MISTAKE=7  what was replaced by its lease is followed
 *   MISTAKE=8  who runs leads, whatever was proven of it
 *   MISTAKE=9  a term that was asked for before a takeover is led once more
 */
#ifndef MISTAKE
#define MISTAKE 0
#endif
#ifndef POWER_CUTS
#define POWER_CUTS 1
#endif
#ifndef LOSSES       /* verdicts */
#define LOSSES 1
#endif
#ifndef MEETINGS     /* channels */
#define MEETINGS 2
#endif
#ifndef CHANGES
#define CHANGES 1
#endif
#ifndef WORDS        /* of a person */
#define WORDS 1
#endif
#ifndef ENDS         /* of an exclusivity, unasked */
#define ENDS 1
#endif
#ifndef WITNESS
#define WITNESS 0
#endif

#define PEER (1 - i)
#define LEAP 40      /* more than twice the terms that the budgets let anybody use up alone */
#define IS_PAST(newer, older) (said[newer].log_term >= said[older].log_term + LEAP / 2)

mtype = { down, waiting, forming, running, joining };           /* phases */
mtype = { absent, welcomed, member, lost, out };              /* the peer, for a node */
mtype = { put_term, put_log, put_right, give_up_right, joined_mark };  /* writes */

typedef Disk { byte term; byte log_term; byte has; bool right }
typedef Node {
    mtype phase;
    mtype peer;
    bool runs;             /* was a member in this life */
    bool leads;
    byte term;
    byte log_term;
    byte has;              /* the newest change in its log */
    bool right;            /* to start alone: the peer is out, with a proof */
    bool is_right_kept;    /* and the disk knows */
    bool is_giving_up;
    bool has_joined;       /* the peer has the records, and is not admitted yet */
    bool is_term_asked;    /* of the disk */
    bool welcomes;         /* the peer is to be let in */
    byte heard_term;
    byte pending;          /* a change that waits for its answer */
    byte at_peer;          /* up to here the peer said that its disk has it */
    byte session;
    bool yields;
    byte life;
    byte peer_life;        /* whom it was a member with */
    bool is_by_lease;      /* the peer is out, but only silenced */
    bool is_alone_asked;   /* a term is asked for in order to start alone */
}
typedef Hello { bool runs; bool serves; bool leads; bool right; byte term; byte log_term; byte has; byte session; byte life }

Node node[2];
Disk disk[2];
Hello said[2];
bool has_to_hear[2];       /* the peer's hello is on its way */
bool is_linked;            /* a channel */
bool is_cut;
bool is_kept_off[2];       /* a person promised */
byte holder = 2;           /* of the witness's exclusivity; 2: nobody */
byte answered;             /* the newest change that a client was told is made */
byte proposed;
byte sessions;
byte meetings, power_cuts, losses, words, ends;

bool is_granted[2];        /* in its newest membership, and the peer was not exclusive since */

chan writes[2] = [8] of { mtype, byte, byte };
mtype = { welcome, append, joined, admitted };
bool is_welcome_sent[2];
chan to[2] = [4] of { mtype, byte, byte, byte };   /* session, term of the last record, newest change */

#define IS_UP(i) (node[i].phase != down)
#define WAS_RUNNING(i) (node[i].phase == running || (node[i].phase == joining && node[i].runs))
#define IS_FORMING(i) (node[i].phase == forming || (node[i].phase == running && node[i].right && node[i].peer == absent))
#define IS_ALONE(i) (node[i].phase == running && node[i].peer == out && !node[i].yields)
#define HAS_ROOM(i) (len(writes[i]) <= 3)

inline raise_term(i) {
    node[i].term = node[i].term + 1 + ((node[i].term + 1 + i) & 1);
    writes[i]!put_term(node[i].term, 0)
}

inline forget_messages(i) {
    do :: nempty(to[i]) -> to[i]?_, _, _, _ :: empty(to[i]) -> break od;
    is_welcome_sent[i] = false
}

/* What this node said in it is not said again. */
inline end_session(i) {
    node[i].session = 0; node[i].has_joined = false;
    forget_messages(PEER)
}

inline wait_anew(i) {
    node[i].phase = waiting; node[i].runs = false; node[i].leads = false; node[i].peer = absent;
    node[i].is_term_asked = false; node[i].pending = 0; node[i].has_joined = false
}

inline hang_up() {
    is_linked = false; has_to_hear[0] = false; has_to_hear[1] = false;
    node[0].welcomes = false; node[1].welcomes = false;
    if :: IS_FORMING(0) -> wait_anew(0) :: else fi;
    if :: IS_FORMING(1) -> wait_anew(1) :: else fi;
    /* A welcome is no part of a session. */
    if :: is_welcome_sent[0] -> forget_messages(0) :: else fi;
    if :: is_welcome_sent[1] -> forget_messages(1) :: else fi
}

/* The first record of a term. No two nodes, and no two lives, may make it for the same term (I-11). */
inline lead(i) {
    assert(node[PEER].log_term != node[i].term && disk[PEER].log_term != node[i].term && disk[i].log_term != node[i].term);
    printf("%d leads term %d\n", i, node[i].term);
    node[i].phase = running; node[i].runs = true; node[i].leads = true;
    node[i].log_term = node[i].term; node[i].at_peer = 0;
    writes[i]!put_log(node[i].log_term, node[i].has)
}

/* It does not wait for its disk. A term that was asked for before is not that far. */
inline take_over(i) {
    if :: MISTAKE != 9 -> node[i].is_term_asked = false :: else fi;
    raise_term(i);
    lead(i)
}

/* Nothing that was answered may be missing where somebody goes on without asking (I-10), nor may both do so (I-1). */
inline goes_on_alone(i) {
    assert(node[i].has >= answered);
    assert(!IS_ALONE(PEER))
}

inline remember_right(i) {
    if
    :: !node[i].right || node[i].is_giving_up ->
        node[i].right = true; node[i].is_right_kept = false; node[i].is_giving_up = false; writes[i]!put_right(1, 0)
    :: else
    fi
}

inline lose_power(i) {
    do :: nempty(writes[i]) -> writes[i]?_, _, _ :: empty(writes[i]) -> break od;
    forget_messages(i);
    wait_anew(i);
    is_granted[i] = false;
    node[i].phase = down; node[i].term = 0; node[i].log_term = 0; node[i].has = 0;
    node[i].right = false; node[i].is_right_kept = false; node[i].is_giving_up = false; node[i].is_alone_asked = false;
    node[i].heard_term = 0; node[i].at_peer = 0; end_session(i); node[i].yields = false;
    node[i].peer_life = 0; node[i].is_by_lease = false;
    hang_up()
}

inline boot(i) {
    node[i].life++;
    node[i].term = (disk[i].term > disk[i].log_term -> disk[i].term : disk[i].log_term);
    node[i].log_term = disk[i].log_term; node[i].has = disk[i].has;
    node[i].right = disk[i].right; node[i].is_right_kept = disk[i].right;
    node[i].phase = waiting
}

inline say_hello(i) {
    said[i].runs = node[i].runs;
    /* Who serves is for plans to decide: both answers are tried. */
    if :: node[i].runs && node[i].phase == running -> said[i].serves = true :: said[i].serves = false fi;
    said[i].leads = node[i].leads; said[i].right = node[i].right; said[i].term = node[i].term;
    said[i].log_term = node[i].log_term; said[i].has = node[i].has;
    said[i].session = node[i].session; said[i].life = node[i].life;
    has_to_hear[i] = true
}

/* Section 3; leaves the answer in `decision`: 0 the session goes on, 1 this node leads, 2 it joins. */
#define FIRST(a, b, rest) ((a) > (b) -> 1 : ((a) < (b) -> 2 : (rest)))
#define KNOWS_MORE(a, b) (IS_PAST(a, b) || (said[a].right && !said[b].right && !IS_PAST(b, a)))
inline judge(i) {
    if
    :: said[0].runs && said[1].runs && said[0].session == said[1].session && said[0].session != 0 &&
       said[0].term == said[1].term && said[0].leads != said[1].leads -> decision = 0
    :: else ->
        if
        :: (MISTAKE != 8 || !(said[0].runs || said[1].runs)) && KNOWS_MORE(i, PEER) -> decision = 1
        :: (MISTAKE != 8 || !(said[0].runs || said[1].runs)) && KNOWS_MORE(PEER, i) -> decision = 2
        :: else ->
            decision = FIRST(said[i].runs, said[PEER].runs, (said[i].runs ->
                FIRST(said[i].serves, said[PEER].serves, FIRST(said[i].term, said[PEER].term,
                FIRST(said[i].leads, said[PEER].leads, (i == 0 -> 1 : 2)))) :
                FIRST(said[i].log_term, said[PEER].log_term, FIRST(said[i].has, said[PEER].has, (i == 0 -> 1 : 2)))))
        fi
    fi
}

inline hear_hello(i) {
    has_to_hear[i] = false;
    node[i].heard_term = (said[PEER].term > node[i].heard_term -> said[PEER].term : node[i].heard_term);
    judge(i);
    if
    :: decision == 1 -> node[i].welcomes = true
    :: decision == 2 && MISTAKE != 7 && node[i].is_by_lease && said[PEER].life == node[i].peer_life -> skip  /* refused */
    :: decision == 2 && (MISTAKE == 7 || !(node[i].is_by_lease && said[PEER].life == node[i].peer_life)) ->
        if
        :: node[i].right ->
            node[i].right = false; node[i].is_right_kept = false; writes[i]!put_right(0, 0)
        :: else
        fi;
        is_granted[i] = false;
        node[i].phase = joining; node[i].leads = false; node[i].peer = absent; node[i].pending = 0;
        end_session(i); node[i].is_term_asked = false; node[i].is_alone_asked = false
    :: else
    fi
}

#define NEEDS_TERM(i) (!node[i].leads || said[PEER].term > node[i].term)
#define MAY_GIVE_UP(i) (node[i].right && !node[i].is_giving_up && MISTAKE != 3)
#define IS_LOG_NEWER(i) (disk[i].log_term == node[i].log_term)

inline follow(i, membership) {
    node[i].phase = running; node[i].runs = true; node[i].leads = false; node[i].peer = member;
    node[i].is_by_lease = false;
    is_kept_off[0] = false; is_kept_off[1] = false;
    is_granted[PEER] = (node[PEER].session == membership);
    if :: holder == i -> holder = 2 :: else fi
}

inline hear(i) {
    to[i]?kind, number, last, change;
    if :: kind == welcome -> is_welcome_sent[i] = false :: else fi;
    if
    :: kind == welcome && node[i].phase == joining && last >= node[i].term ->
        node[i].term = last; node[i].log_term = last; node[i].has = change; node[i].session = number;
        node[i].peer_life = said[PEER].life;
        writes[i]!put_term(last, 0); writes[i]!put_right(0, 0); writes[i]!put_log(last, change);
        writes[i]!joined_mark(number, 0)
    :: kind == append && number == node[i].session && !node[i].leads && last == node[i].term ->
        node[i].has = change; writes[i]!put_log(last, change)
    :: kind == joined && number == node[i].session && node[i].peer == welcomed -> node[i].has_joined = true
    :: kind == admitted && number == node[i].session && node[i].phase == joining -> follow(i, number)
    :: else
    fi
}

/* The disk has made the oldest write that waited. */
inline write(i) {
    writes[i]?kind, last, change;
    if
    :: kind == put_term -> disk[i].term = last
    :: kind == put_log -> disk[i].log_term = last; disk[i].has = change
    :: kind == put_right ->
        disk[i].right = last;
        if :: last == 1 && node[i].right -> node[i].is_right_kept = true :: else fi
    :: kind == give_up_right ->
        disk[i].right = false;
        if :: node[i].is_giving_up -> node[i].right = false; node[i].is_giving_up = false :: else fi
    :: kind == joined_mark && node[i].phase == joining && node[i].session == last -> to[PEER]!joined(last, 0, 0)
    :: else
    fi
}

#define IS_DURABLE(i) (disk[i].log_term == node[i].log_term && disk[i].has >= node[i].pending && \
    (node[i].peer == out -> (node[i].is_right_kept || MISTAKE == 6) : (node[i].at_peer >= node[i].pending || MISTAKE == 2)))
#define MAY_TRY_ALONE(i) (node[i].phase == waiting && (node[i].right || MISTAKE == 4) && !is_linked && !is_kept_off[i] && \
    !node[i].is_term_asked && (is_cut || !IS_UP(PEER) || node[PEER].yields) && (!WITNESS || holder == 2 || holder == i))

proctype Machine(byte i) {
    byte decision, number, last, change;
    mtype kind;
    do
    /* --- Power and disk. */
    :: atomic { IS_UP(i) && power_cuts < POWER_CUTS -> power_cuts++; printf("%d loses power\n", i); lose_power(i) }
    :: atomic { !IS_UP(i) && (!is_kept_off[i] || (!is_cut && node[PEER].phase == running)) -> printf("%d boots\n", i); boot(i) }
    :: atomic { nempty(writes[i]) -> write(i); printf("%d wrote %e %d %d\n", i, kind, last, change); kind = 0; last = 0; change = 0 }

    /* --- Meeting and joining. */
    :: atomic { is_linked && has_to_hear[i] && HAS_ROOM(i) -> hear_hello(i); printf("%d heard hello: %d\n", i, decision); decision = 0 }
    :: atomic { is_linked && !has_to_hear[i] && nempty(to[i]) && HAS_ROOM(i) && nfull(to[PEER]) ->
        hear(i); printf("%d heard %e %d %d %d\n", i, kind, number, last, change); kind = 0; number = 0; last = 0; change = 0 }
#if MISTAKE == 1
    :: atomic { node[i].welcomes && MAY_GIVE_UP(i) && HAS_ROOM(i) ->
        node[i].is_giving_up = true; writes[i]!give_up_right(0, 0) }
#endif
    :: atomic { node[i].welcomes && NEEDS_TERM(i) && !node[i].is_term_asked && (MISTAKE != 1 || !node[i].right) && HAS_ROOM(i) ->
        if :: said[PEER].term > node[i].term -> node[i].term = said[PEER].term :: else fi;
        if :: node[i].phase == waiting -> node[i].phase = forming :: else fi;
        raise_term(i); node[i].is_term_asked = true }
    :: atomic { node[i].is_term_asked && disk[i].term == node[i].term && HAS_ROOM(i) ->
        node[i].is_term_asked = false;
        if
        :: node[i].is_alone_asked && !is_linked && (!WITNESS || holder == i || node[i].peer == out) ->
            /* A person may start an older copy, and is told so: what only the other one has is given up by that word. */
            if :: node[i].peer == out && node[i].has < answered -> answered = node[i].has :: else fi;
            node[i].peer = out; lead(i); goes_on_alone(i); remember_right(i)
        :: node[i].welcomes -> lead(i)
        :: else -> if :: node[i].phase == forming -> node[i].phase = waiting :: else fi
        fi;
        node[i].is_alone_asked = false }
    :: atomic { node[i].welcomes && !NEEDS_TERM(i) && sessions < 9 ->
        printf("%d welcomes\n", i);
        forget_messages(PEER);
        node[i].welcomes = false; node[i].peer = welcomed; node[i].peer_life = said[PEER].life;
        is_granted[i] = false;
        sessions++; node[i].session = sessions; node[i].at_peer = 0;
        is_welcome_sent[PEER] = true;
        to[PEER]!welcome(sessions, node[i].log_term, node[i].has) }

    :: atomic { node[i].has_joined && MISTAKE != 1 && MAY_GIVE_UP(i) && IS_LOG_NEWER(i) && HAS_ROOM(i) ->
        node[i].is_giving_up = true; writes[i]!give_up_right(0, 0) }
    :: atomic { node[i].has_joined && (!node[i].right || MISTAKE == 3) && node[i].peer == welcomed && nfull(to[PEER]) ->
        printf("%d admits\n", i);
        node[i].has_joined = false; node[i].peer = member; node[i].is_by_lease = false;
        is_granted[PEER] = (node[PEER].session == node[i].session);
        if :: holder == i -> holder = 2 :: else fi;
        assert(node[i].has >= answered);
        to[PEER]!admitted(node[i].session, 0, 0) }

    /* --- Changes. A client hears of an error where nothing of this goes on. */
    :: atomic { node[i].phase == running && node[i].leads && !node[i].yields && !IS_FORMING(i) && node[i].pending == 0 &&
                proposed < CHANGES && HAS_ROOM(i) && nfull(to[PEER]) ->
        proposed++; printf("%d proposes %d\n", i, proposed); node[i].has = proposed; node[i].pending = proposed;
        writes[i]!put_log(node[i].log_term, node[i].has);
        if
        :: node[i].peer == member || node[i].peer == welcomed ->
            to[PEER]!append(node[i].session, node[i].log_term, node[i].has)
        :: else
        fi }
    :: atomic { node[i].phase == running && node[i].leads && is_linked && node[PEER].phase == running && !node[PEER].leads &&
                node[i].session == node[PEER].session && node[i].at_peer < disk[PEER].has &&
                disk[PEER].log_term == node[i].log_term -> node[i].at_peer = disk[PEER].has }
    :: atomic { node[i].phase == running && node[i].leads && !node[i].yields && node[i].pending != 0 && IS_DURABLE(i) ->
        printf("%d answers %d\n", i, node[i].pending);
        if :: node[i].pending > answered -> answered = node[i].pending :: else fi;
        node[i].pending = 0 }

    /* --- Losing the peer, and what proves that it is gone. */
    :: atomic { losses < LOSSES && HAS_ROOM(i) && WAS_RUNNING(i) && node[i].peer != lost && node[i].peer != out && !IS_FORMING(i) ->
        losses++; printf("%d loses its peer\n", i);
        if :: WITNESS && node[i].phase == joining -> node[i].yields = true :: else fi;
        node[i].peer = lost; end_session(i);
        if :: !node[i].leads -> node[i].pending = 0; take_over(i) :: else fi;
        hang_up() }
    :: atomic { losses < LOSSES && node[i].phase == joining && !node[i].runs -> losses++; wait_anew(i); end_session(i); hang_up() }
#if !WITNESS
    /* A shot: whoever is hit is off. */
    :: atomic { node[i].phase == running && node[i].peer == lost && HAS_ROOM(i) ->
        printf("%d shoots\n", i);
        if :: IS_UP(PEER) -> lose_power(PEER) :: else fi;
        node[i].peer = out; remember_right(i); goes_on_alone(i); hang_up() }
#else
    :: atomic { node[i].phase == running && node[i].peer == lost && !node[i].yields &&
                (holder == i || (holder == 2 && is_granted[i])) && HAS_ROOM(i) ->
        printf("%d proves by lease\n", i);
        holder = i; is_granted[PEER] = false;
        node[i].peer = out; node[i].is_by_lease = true; remember_right(i); goes_on_alone(i); hang_up() }
    :: atomic { WAS_RUNNING(i) && node[i].peer == lost && !node[i].yields -> printf("%d gives up\n", i); node[i].yields = true; node[i].pending = 0 }
    :: atomic { holder == i && ends < ENDS ->
        holder = 2; ends++; printf("exclusivity of %d ends\n", i);
        if
        :: node[i].phase == running && node[i].peer == out && node[i].is_by_lease -> node[i].yields = true; node[i].pending = 0
        :: else
        fi }
    :: atomic { node[i].yields ->
        printf("%d has yielded\n", i);
        node[i].yields = false; wait_anew(i); end_session(i); node[i].life++; node[i].is_alone_asked = false; hang_up() }
#endif
    :: atomic { MAY_TRY_ALONE(i) && HAS_ROOM(i) ->
        printf("%d asks for a term to start alone\n", i);
        if :: WITNESS -> holder = i; node[i].is_by_lease = true :: else fi;
        node[i].is_alone_asked = true; node[i].is_term_asked = true; raise_term(i) }
    /* A person saw that the peer is off, and until it is a member lets it start only where it can hear this node. */
    :: atomic { words < WORDS && IS_UP(i) && !node[i].yields && node[i].phase != forming && !IS_UP(PEER) && node[i].peer != out &&
                HAS_ROOM(i) ->
        words++; printf("a person tells %d that the peer is off\n", i);
        is_kept_off[PEER] = true; is_kept_off[i] = false;
        node[i].peer = out; node[i].is_by_lease = false; end_session(i);
        if :: node[i].heard_term > node[i].term -> node[i].term = node[i].heard_term :: else fi;
        if :: MISTAKE != 5 -> node[i].term = node[i].term + LEAP :: else fi;
        if
        :: WAS_RUNNING(i) -> node[i].pending = 0; take_over(i); goes_on_alone(i); remember_right(i)
        :: else -> node[i].phase = waiting; node[i].is_alone_asked = true; node[i].is_term_asked = true; raise_term(i)
        fi;
        hang_up() }
    od
}

proctype Network() {
    do
    :: atomic { !is_cut -> is_cut = true; printf("cut\n"); hang_up() }
    :: is_cut -> is_cut = false
    :: atomic { !is_cut && !is_linked && meetings < MEETINGS && IS_UP(0) && IS_UP(1) && !node[0].yields && !node[1].yields ->
        is_linked = true; meetings++; printf("linked\n"); say_hello(0); say_hello(1) }
    od
}

init {
    atomic {
        node[0].phase = down; node[1].phase = down;
        node[0].peer = absent; node[1].peer = absent;
        run Machine(0); run Machine(1); run Network()
    }
}
