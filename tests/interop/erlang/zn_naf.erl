%% SPDX-License-Identifier: AGPL-3.0-or-later
%% A foreign NAF: erlang-diameter asks a BSF for one key. Its Destination-Realm is the domain of the B-TID, or REALM.
%% erl -run zn_naf -extra PORT B-TID NAF-FQDN [REALM] (a B-TID may begin with "+", which erl takes for a flag of its own
%% anywhere before -extra)   prints "result CODE", then "key HEX" and "expires UNIX" on success, or
%% "answer-message CODE" for an answer with the E bit; each is decoded with strict M bits.
-module(zn_naf).
-export([start/0]).
-export([peer_up/3, peer_down/3, pick_peer/4, prepare_request/3, prepare_retransmit/3, handle_answer/4, handle_error/4,
         handle_request/3]).
-include_lib("diameter/include/diameter.hrl").
-define(SVC, naf).
-define(ZN, 16777220).

start() -> main(init:get_plain_arguments()).

main([Port, Btid, Fqdn]) ->
    [_, Domain] = string:split(Btid, "@"),
    main([Port, Btid, Fqdn, Domain]);
main([Port, Btid, Fqdn, Domain]) ->
    ok = diameter:start(),
    diameter:subscribe(?SVC),
    ok = diameter:start_service(?SVC, [
        {'Origin-Host', Fqdn}, {'Origin-Realm', "example.com"}, {'Vendor-Id', 10415}, {'Product-Name', "erlang"}, {decode_format, map}, {string_decode, false},
        {'Supported-Vendor-Id', [10415]},
        {'Vendor-Specific-Application-Id',
            [[{'Vendor-Id', 10415}, {'Auth-Application-Id', [?ZN]}, {'Acct-Application-Id', []}]]},
        {application, [{alias, zn}, {dictionary, zn}, {module, ?MODULE}]} | gba_tls:capabilities()]),
    {ok, _} = diameter:add_transport(?SVC, {connect, [
        {transport_module, diameter_tcp},
        {transport_config, [{raddr, {127, 0, 0, 1}}, {rport, list_to_integer(Port)}, {ip, {127, 0, 0, 1}} | gba_tls:transport(client)]},
        {connect_timer, 1000}]}),
    receive
        {diameter_event, ?SVC, {up, _, _, _, _}} -> ok
    after 10000 ->
        io:format("no connection~n"), halt(1)
    end,
    Bir = ['BIR', {'Session-Id', diameter:session_id(Fqdn)},
           {'Vendor-Specific-Application-Id', [{'Vendor-Id', 10415}, {'Auth-Application-Id', [?ZN]}]},
           {'Destination-Realm', Domain}, {'Transaction-Identifier', Btid},
           {'NAF-Id', Fqdn ++ [1, 0, 0, 0, 2]}],
    answer(diameter:call(?SVC, zn, Bir, [{timeout, 10000}])),
    diameter:stop_service(?SVC),
    halt(0).

answer(['BIA' | Avps]) -> answer(Avps);
answer(['answer-message' | #{'Result-Code' := Code}]) -> io:format("answer-message ~p~n", [Code]);
answer(#{'Result-Code' := [Code]} = A) ->
    io:format("result ~p~n", [Code]),
    case A of
        #{'ME-Key-Material' := [Key], 'Key-ExpiryTime' := [Expiry]} ->
            Epoch = calendar:datetime_to_gregorian_seconds({{1970, 1, 1}, {0, 0, 0}}),
            io:format("key ~s~nexpires ~p~n", [hex(Key), calendar:datetime_to_gregorian_seconds(Expiry) - Epoch]);
        _ -> ok
    end;
answer(#{'Experimental-Result' := [R]}) -> io:format("experimental ~p~n", [R]);
answer(Other) -> io:format("error ~p~n", [Other]).

hex(B) -> [io_lib:format("~2.16.0b", [X]) || X <- binary_to_list(iolist_to_binary([B]))].

peer_up(_, _, S) -> S.
peer_down(_, _, S) -> S.
pick_peer([Peer | _], _, _, _) -> {ok, Peer};
pick_peer([], _, _, _) -> false.
prepare_request(#diameter_packet{msg = [Name | Avps]}, _, {_, Caps}) ->
    #diameter_caps{origin_host = {Host, _}, origin_realm = {Realm, _}} = Caps,
    {send, [Name | Avps ++ [{'Origin-Host', Host}, {'Origin-Realm', Realm}]]}.
prepare_retransmit(_, _, _) -> discard.
handle_answer(#diameter_packet{msg = Msg, errors = Errors}, _, _, _) -> checked(Msg, Errors).
checked(Msg, []) -> Msg;
checked(_, Errors) -> {errors, Errors}.
handle_error(Reason, _, _, _) -> {error, Reason}.
handle_request(_, _, _) -> {protocol_error, 3001}.
