// A certified OpenID provider with people of its own; everybody's password is good.
//
// Told on its command line as JSON: `library`, where oidc-provider is; `port`; `clients`, as the library has them; `people`:
// from login to claims; `idTokenSeconds`; `shortIdTokens`: further claims are told by the userinfo endpoint only.
// `POST /rotate` gives it new keys.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const told = JSON.parse(process.argv[2]);
const { default: Provider } = await import(told.library);
const issuer = `http://127.0.0.1:${told.port}`;

function key() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

function provider() {
  return new Provider(issuer, {
    clients: told.clients,
    jwks: { keys: [key()] },
    cookies: { keys: [randomUUID()] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'roles', 'realm_access'] },
    conformIdTokenClaims: told.shortIdTokens ?? false,
    ttl: { IdToken: told.idTokenSeconds ?? 3600, AccessToken: 600, Session: 3600, Grant: 3600, Interaction: 600 },
    findAccount: (_, login) => ({ accountId: login, claims: () => ({ sub: login, ...told.people[login] }) }),
  });
}

let answers = provider().callback();
createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') {
    answers = provider().callback();
    response.writeHead(204).end();
    return;
  }
  answers(request, response);
}).listen(told.port, '127.0.0.1');
