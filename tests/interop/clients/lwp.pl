# SPDX-License-Identifier: AGPL-3.0-or-later
# One page by Perl's LWP: URL; user and password in the environment, the server by http_proxy.
use strict;
use warnings;
use LWP::UserAgent;

my $url = URI->new($ARGV[0]);
my $ua = LWP::UserAgent->new(env_proxy => 1);
$ua->credentials($url->host_port, '3GPP-bootstrapping@' . $url->host, $ENV{GBA_USER}, $ENV{GBA_PASSWORD});
my $page = $ua->get($url);
print $page->code, "\n", $page->content;
