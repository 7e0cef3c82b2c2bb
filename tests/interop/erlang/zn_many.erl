%% SPDX-License-Identifier: AGPL-3.0-or-later
%% A foreign node that listens and connects at the same time: erlang-diameter, which knows nothing of the election of RFC 6733 5.6.4.
%% erl -run zn_many main HOST REALM LISTEN-PORT CONNECT-PORT...   prints "ready"; runs until it is killed.
-module(zn_many).
-export([main/1]).
-export([peer_up/3, peer_down/3, pick_peer/4, prepare_request/3, prepare_retransmit/3, handle_answer/4, handle_error/4,
         handle_request/3]).
-define(SVC, many).
-define(ZN, 16777220).

main([Host, Realm, Listen | Connect]) ->
    ok = diameter:start(),
    ok = diameter:start_service(?SVC, [
        {'Origin-Host', Host}, {'Origin-Realm', Realm}, {'Vendor-Id', 10415}, {'Product-Name', "erlang"}, {decode_format, map}, {string_decode, false},
        {'Supported-Vendor-Id', [10415]},
        {'Vendor-Specific-Application-Id',
            [[{'Vendor-Id', 10415}, {'Auth-Application-Id', [?ZN]}, {'Acct-Application-Id', []}]]},
        {application, [{alias, zn}, {dictionary, zn}, {module, ?MODULE}]}]),
    {ok, _} = diameter:add_transport(?SVC, {listen, [
        {transport_module, diameter_tcp}, {transport_config, [{ip, {127, 0, 0, 1}}, {port, list_to_integer(Listen)}, {reuseaddr, true}]}]}),
    [{ok, _} = diameter:add_transport(?SVC, {connect, [
        {transport_module, diameter_tcp}, {connect_timer, 1000}, {capx_timeout, 10000},
        {transport_config, [{raddr, {127, 0, 0, 1}}, {rport, list_to_integer(P)}, {ip, {127, 0, 0, 1}}]}]}) || P <- Connect],
    io:format("ready~n"),
    receive stop -> ok end.

peer_up(_, _, S) -> S.
peer_down(_, _, S) -> S.
pick_peer(_, _, _, _) -> false.
prepare_request(_, _, _) -> discard.
prepare_retransmit(_, _, _) -> discard.
handle_answer(_, _, _, _) -> ok.
handle_error(_, _, _, _) -> ok.
handle_request(_, _, _) -> {protocol_error, 3001}.
