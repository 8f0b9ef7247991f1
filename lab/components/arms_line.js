// The line below a comparison's form: how many trainings it makes, or the first thing that is in the way.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const MANY = 300; // trainings beyond which the line says so
  const counted = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

  // `classifiers` and `arms` are counts, `about` says which `seeds` can be used, `ticked` counts what is ticked, `lacking`
  // has the titles of those that need files, `wrong` is a number that cannot be used.
  lab.armsLine = ({ classifiers, arms, seeds, about, ticked, lacking, wrong }) => {
    if (!ticked) return "Tick a classifier.";
    if (!classifiers && lacking.length === ticked) {
      return `Nothing can be trained: ${lacking.join(", ")}: files are not on this computer. “needs a file” says which.`;
    }
    if (!classifiers) return "Tick what the light classifiers look at.";
    if (wrong) return wrong.words;
    const bad = about && lab.armsOptions.problem(about, seeds);
    if (bad) return `${about.title}: ${bad}`;
    const total = classifiers * arms * seeds;
    const size = `${counted(classifiers, "classifier", "classifiers")} × ${counted(arms, "training set", "training sets")} × ${counted(seeds, "seed", "seeds")}`;
    const left = lacking.length ? ` Left out, as files are missing: ${lacking.join(", ")}.` : "";
    return `${size} = ${counted(total, "training", "trainings")}${total > MANY ? ". That may take long." : lacking.length ? "." : ""}${left}`;
  };
})();
