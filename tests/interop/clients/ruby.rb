# SPDX-License-Identifier: AGPL-3.0-or-later
# One page by Ruby's net-http-digest_auth: URL; user and password in the environment, the server by http_proxy.
require "net/http"
require "net/http/digest_auth"
require "uri"

url = URI.parse(ARGV[0])
proxy = URI.parse(ENV["http_proxy"])
http = Net::HTTP.new(url.host, url.port, proxy.host, proxy.port)
challenge = http.request(Net::HTTP::Get.new(url.request_uri))["www-authenticate"]
url.user = URI.encode_www_form_component(ENV["GBA_USER"])
url.password = URI.encode_www_form_component(ENV["GBA_PASSWORD"])
get = Net::HTTP::Get.new(url.request_uri)
get["Authorization"] = Net::HTTP::DigestAuth.new.auth_header(url, challenge, "GET")
page = http.request(get)
puts page.code, page.body
