import { createRoot } from 'react-dom/client';
import { App } from './app';
import './theme/tokens.css';
import './theme/base.css';
import './theme/controls.css';

createRoot(document.getElementById('app') as HTMLElement).render(<App />);
