TAGS := remove_all_sd,enable_dns_sd
