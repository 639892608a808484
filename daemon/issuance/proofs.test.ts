import { describe, expect, it } from 'vitest';
import { documentSignedIn, proofProblem, toBeSigned, type FoundProof } from './proofs.ts';

const [ENGLISH, SWEDISH] = [toBeSigned('I have received it.'), toBeSigned('Jag har tagit emot det, Åsa.')];
const documents = [ENGLISH, SWEDISH];
const evidence = { statement: '{}', sha256: '0'.repeat(64) };
const signed = (documentSha256: string): FoundProof => ({ ...evidence, kind: 'padSignature', documentSha256 });
const judged = (more: Partial<FoundProof>): FoundProof => ({ ...evidence, kind: 'documentVerdict', ...more });

describe('a signature on a pad', () => {
  it('is good on the text of the step in either language, and it is known which was signed', () => {
    for (const document of documents) {
      expect(proofProblem(signed(document.sha256), { documents })).toBeUndefined();
      expect(documentSignedIn(signed(document.sha256), documents)).toBe(document);
    }
  });

  it('is not good on another text, and never on none', () => {
    expect(proofProblem(signed('f'.repeat(64)), { documents })).toContain(`${ENGLISH.sha256} or ${SWEDISH.sha256}`);
    expect(proofProblem({ ...evidence, kind: 'padSignature' }, { documents })).toContain('another document');
  });

  it('is good on whatever was signed where the ceremony has no text of its own', () => {
    expect(proofProblem(signed('f'.repeat(64)), { documents: [] })).toBeUndefined();
    expect(proofProblem(signed('f'.repeat(64)), {})).toBeUndefined();
  });
});

describe('a verdict', () => {
  const personalNumber = '198112189876';

  it('needs every source that states a number to state this one', () => {
    const problem = (...personalNumbers: string[]): string | undefined =>
      proofProblem(judged({ personalNumbers }), { personalNumber });
    expect(problem(personalNumber, '19811218-9876', '811218-9876')).toBeUndefined();
    expect(problem(personalNumber, '191212121212')).toContain('another personal identity number');
    // As OCR may read it: no number at all.
    expect(problem('198112189875')).toBeUndefined();
  });

  it('is compared with nothing where the ceremony knows no number', () => {
    expect(proofProblem(judged({ personalNumbers: ['191212121212'] }), {})).toBeUndefined();
  });
});
