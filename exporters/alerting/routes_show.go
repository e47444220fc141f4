package alerting

import "go.yaml.in/yaml/v3"

// secretKeys are the keys whose values nobody gets to see. An address is one: webhooks carry their token in it.
var secretKeys = map[string]string{
	"routing_key": "<secret>", "token": "<secret>", "password": "<secret>", "credentials": "<secret>", "client_secret": "<secret>",
	"key": "<secret>", "cert": "<secret>", "ca": "<secret>", "url": secretURL, "proxy_url": secretURL,
}

// secretURL stands for an address: every version of amtool wants to read one there.
const secretURL = "http://secret.invalid/"

// showable prints a routes file for the API: secrets replaced, values of the environment not filled in, and
// without the destinations that only we know, so that amtool can read it. root is not changed.
func showable(root *yaml.Node) (string, error) {
	out, err := yaml.Marshal(redacted(root))
	if err != nil {
		return "", err
	}
	return "# secrets are replaced; destinations that only Plumbline knows are left out\n" + string(out), nil
}

func redacted(n *yaml.Node) *yaml.Node {
	c := *n
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	c.Content = nil
	if n.Kind != yaml.MappingNode {
		for _, x := range n.Content {
			c.Content = append(c.Content, redacted(x))
		}
		return &c
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch instead, secret := secretKeys[key.Value]; {
		case ownKeys[key.Value]:
			continue
		case key.Value == "http_headers", key.Value == "proxy_connect_header":
			continue
		case secret && value.Kind == yaml.ScalarNode:
			c.Content = append(c.Content, redacted(key), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: instead})
		default:
			c.Content = append(c.Content, redacted(key), redacted(value))
		}
	}
	return &c
}
