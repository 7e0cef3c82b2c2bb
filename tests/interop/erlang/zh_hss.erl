%% SPDX-License-Identifier: AGPL-3.0-or-later
%% A foreign HSS: erlang-diameter answers every MAR of one IMPI with one vector given as hex.
%% erl -run zh_hss main PORT IMPI RAND AUTN XRES CK IK   prints "ready"; runs until it is killed.
-module(zh_hss).
-export([main/1]).
-export([peer_up/3, peer_down/3, pick_peer/4, prepare_request/3, prepare_retransmit/3, handle_answer/4, handle_error/4,
         handle_request/3]).
-include_lib("diameter/include/diameter.hrl").
-define(SVC, hss).
-define(ZH, 16777221).
-define(HOST, "hss.mnc001.mcc001.3gppnetwork.org").
-define(REALM, "mnc001.mcc001.3gppnetwork.org").

main([Port, Impi | Hex]) ->
    persistent_term:put(?MODULE, {list_to_binary(Impi), [binary:decode_hex(list_to_binary(H)) || H <- Hex]}),
    ok = diameter:start(),
    ok = diameter:start_service(?SVC, [
        {'Origin-Host', ?HOST}, {'Origin-Realm', ?REALM}, {'Vendor-Id', 10415}, {'Product-Name', "erlang"}, {decode_format, map}, {string_decode, false},
        {'Supported-Vendor-Id', [10415]},
        {'Vendor-Specific-Application-Id',
            [[{'Vendor-Id', 10415}, {'Auth-Application-Id', [?ZH]}, {'Acct-Application-Id', []}]]},
        {application, [{alias, zh}, {dictionary, zh}, {module, ?MODULE}, {answer_errors, report}, {request_errors, answer_3xxx}]} | gba_tls:capabilities()]),
    {ok, _} = diameter:add_transport(?SVC, {listen, [
        {transport_module, diameter_tcp},
        {transport_config, [{ip, {127, 0, 0, 1}}, {port, list_to_integer(Port)}, {reuseaddr, true} | gba_tls:transport(server)]}]}),
    io:format("ready~n"),
    receive stop -> ok end.

peer_up(_, _, S) -> S.
peer_down(_, _, S) -> S.
pick_peer(_, _, _, _) -> false.
prepare_request(_, _, _) -> discard.
prepare_retransmit(_, _, _) -> discard.
handle_answer(_, _, _, _) -> ok.
handle_error(_, _, _, _) -> ok.

handle_request(#diameter_packet{msg = ['MAR' | A], errors = []}, _, _) ->
    {Impi, [Rand, Autn, Xres, Ck, Ik]} = persistent_term:get(?MODULE),
    Head = ['MAA', {'Session-Id', maps:get('Session-Id', A)},
            {'Vendor-Specific-Application-Id', [{'Vendor-Id', 10415}, {'Auth-Application-Id', [?ZH]}]},
            {'Auth-Session-State', 1}, {'Origin-Host', ?HOST}, {'Origin-Realm', ?REALM}],
    case A of
        #{'User-Name' := [User]} ->
            case iolist_to_binary([User]) of
                Impi ->
                    Item = [{'SIP-Authentication-Scheme', <<"Digest-AKAv1-MD5">>},
                            {'SIP-Authenticate', <<Rand/binary, Autn/binary>>},
                            {'SIP-Authorization', Xres}, {'Confidentiality-Key', Ck}, {'Integrity-Key', Ik}],
                    {reply, Head ++ [{'Result-Code', 2001}, {'User-Name', Impi}, {'SIP-Auth-Data-Item', [Item]}]};
                _ ->
                    {reply, Head ++ [{'Experimental-Result',
                                      [[{'Vendor-Id', 10415}, {'Experimental-Result-Code', 5401}]]}]}
            end
    end;
handle_request(#diameter_packet{errors = Errors}, _, _) ->
    io:format("errors ~p~n", [Errors]),
    {answer_message, 5012}.
