import { createRoot } from 'react-dom/client';
// The theme comes first, so that what a feature says of its parts counts.
import './theme/tokens.css';
import './theme/base.css';
import './theme/controls.css';
import { App } from './app';

createRoot(document.getElementById('app') as HTMLElement).render(<App />);
