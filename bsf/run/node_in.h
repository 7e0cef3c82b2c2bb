/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file node_in.h
 *  Between the files of node.h: what runs on the loop of each shard, and what is one for all. */
#pragma once

#include <semaphore.h>
#include <openssl/ssl.h>
#include "bsf/run/cfg.h"
#include "bsf/run/node.h"

/* What runs on the loop of one shard. Each peer is of one part, by its name, for the life of the process. */
struct part {
	struct node *node;
	struct dia_loop *loop;
	struct dia_select *select;
	struct dia_hub *hub; /* of the loop's thread */
	struct zh_via via;   /* the same for who asks */
	struct dia_hub_service service;
	struct dia_post begin, stop;
	struct err *err; /* of node_begin() */
	int rc;
	sem_t begun, over;
	struct dia_timer settled; /* after a change of peers */
};

struct node {
	unsigned n_parts;
	struct part parts[BSF_SHARDS_MAX];
	SSL_CTX *tls;
	const char *realms[BSF_NAMES_MAX + 1];
	size_t n_realms;
	uint32_t state_id;
	struct dia_door *door;
	sem_t hss_open;
};

/*! Which part has a peer of this name? */
unsigned node_part_of(const struct node *n, const char *identity);
bool node_is_of(const struct part *p, const char *identity);

/*! node_peers.c: connect to those of this part that the policy says. \returns 0; -ENOMEM */
int node_dial_all(struct part *part, const struct policy *p);
/*! A timer that was started by a change of peers. */
void node_on_settled(struct dia_timer *t);
/*! For naf_cfg: the policy is another one. */
void node_on_publish(void *node);

/*! node_hub.c: what the hub asks and tells. \param[in] part owner of all of them */
struct dia_hub_callbacks node_hub_cb(struct part *part);
