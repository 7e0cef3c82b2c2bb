%% SPDX-License-Identifier: AGPL-3.0-or-later
%% TLS of a transport of erlang-diameter, by the environment: GBA_TLS is "first" or "after-cer" (RFC 6733 2.1, 13.1), with
%% GBA_TLS_CERT, GBA_TLS_KEY, GBA_TLS_CA; GBA_TLS_NAME: whom a client expects. Without GBA_TLS: none.
-module(gba_tls).
-export([transport/1, capabilities/0]).

%% For transport_config, of a client or server.
transport(Role) ->
    case os:getenv("GBA_TLS") of
        "first" -> {ok, _} = application:ensure_all_started(ssl), [{ssl_options, true} | options(Role)];
        "after-cer" -> {ok, _} = application:ensure_all_started(ssl), [{ssl_options, options(Role)}];
        false -> []
    end.

%% For start_service.
capabilities() ->
    case os:getenv("GBA_TLS") of
        "after-cer" -> [{'Inband-Security-Id', [1]}];
        _ -> []
    end.

options(Role) ->
    [{certfile, os:getenv("GBA_TLS_CERT")}, {keyfile, os:getenv("GBA_TLS_KEY")}, {cacertfile, os:getenv("GBA_TLS_CA")},
     {verify, verify_peer} | options_of(Role)].

options_of(server) -> [{fail_if_no_peer_cert, true}];
options_of(client) -> [{server_name_indication, os:getenv("GBA_TLS_NAME")}].
