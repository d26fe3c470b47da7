export interface Wanted {
  readonly name: string;
  readonly variable: string;
}

/** What a test fails with on a machine that lacks something. `debianPackage` names what Debian and Ubuntu call it. */
export function notHad({ name, variable }: Wanted, need: string, debianPackage: string): Error {
  return new Error(
    `There is no ${name} server for the tests. Any of these helps: install ${need} ` +
      `(Debian, Ubuntu: apt-get install ${debianPackage}); start a Docker engine that has the image or can pull it; ` +
      `name a running server in ${variable}.`,
  );
}
